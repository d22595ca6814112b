import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { type Browser, type Page, chromium as playwright } from 'playwright-core';

const installed = ['/usr/bin/google-chrome', '/usr/bin/chromium', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']; // biome-ignore format: a list
const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];

// No page of ours draws by WebGL; with the software for it every page takes twice the time of the processor.
chromium.setGraphicsMode = false;

/** Chromium from its npm package on Linux x64; elsewhere one that is installed. */
export async function launchBrowser(): Promise<Browser> {
  if (process.platform === 'linux' && process.arch === 'x64')
    return playwright.launch({ executablePath: await unpackChromium(), args: [...chromium.args, ...quiet] });
  const executablePath = installed.find(path => existsSync(path));
  if (!executablePath) throw new Error(`browser tests need one of ${installed.join(', ')}`);
  return playwright.launch({ executablePath, args: quiet });
}

/**
 * The package unpacks into the folder of temporary files: one of this user, who may not run what another has unpacked. Two
 * files of tests may come here at once: each unpacks into a folder of its own, and the first to be ready gives it the name.
 */
async function unpackChromium(): Promise<string> {
  const folder = join(tmpdir(), `parthub-chromium-${process.getuid?.()}`);
  if (!existsSync(folder)) {
    const draft = await mkdtemp(`${folder}-`);
    await unpackInto(draft);
    await rename(draft, folder).catch(() => rm(draft, { recursive: true }));
  }
  return unpackInto(folder);
}

/** Nothing to do where it is already. */
async function unpackInto(folder: string): Promise<string> {
  const { TMPDIR: before } = process.env;
  process.env['TMPDIR'] = folder;
  try {
    return await chromium.executablePath();
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}

/** A page, and everything that went wrong in it: errors, and what its policy refused. */
export async function openPage(browser: Browser, url: string): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage();
  const problems: string[] = [];
  page.setDefaultTimeout(10_000);
  page.on('pageerror', error => problems.push(String(error)));
  page.on('console', line => {
    if (line.type() === 'error') problems.push(line.text());
  });
  await page.goto(url);
  return { page, problems };
}
