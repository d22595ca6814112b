import createCache from '@emotion/cache';
import { CacheProvider } from '@emotion/react';
import { createRoot } from 'react-dom/client';
import { Panel } from './Panel.tsx';

// Styles that are made while the page runs are allowed by the nonce of this answer alone.
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
const cache = createCache({ key: 'css', nonce, prepend: true });

createRoot(document.getElementById('root') as HTMLElement).render(
  <CacheProvider value={cache}>
    <Panel />
  </CacheProvider>,
);
