// Exits 1 when the committed panel (static/admin) was not built from the sources in admin-ui.
import { existsSync, readFileSync } from 'node:fs';
import { hashSources } from './admin-sources.ts';

const note = 'static/admin/sources.sha256';
if (!existsSync(note) || readFileSync(note, 'utf8').trim() !== hashSources('admin-ui')) {
  process.stderr.write('static/admin is older than admin-ui: run npm run build:admin\n');
  process.exit(1);
}
