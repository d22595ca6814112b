window.SwaggerUIBundle({
  url: '/api/schema/',
  dom_id: '#page',
  deepLinking: true,
  docExpansion: 'none',
  // drawing every shape at the end takes longer than all the rest
  defaultModelsExpandDepth: -1,
  syntaxHighlight: { activated: false },
  persistAuthorization: false,
  tryItOutEnabled: true,
  // the servers of the document are elsewhere: calls go to where the page comes from
  requestInterceptor(request) {
    const url = new URL(request.url, location.href);
    request.url = url.pathname + url.search;
    return request;
  },
});
