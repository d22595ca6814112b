window.SwaggerUIBundle({
  url: '/api/schema/',
  dom_id: '#page',
  deepLinking: true,
  docExpansion: 'none',
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  // the servers of the document are elsewhere: calls go to where the page comes from
  requestInterceptor(request) {
    const url = new URL(request.url, location.href);
    request.url = url.pathname + url.search;
    return request;
  },
});
