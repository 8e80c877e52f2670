// A browser on a server with the demo workspace, in which any complaint is a failure: of the console, of axe in light
// and in dark, or a request to another host.
//
// CONSIGN_URL is the server, CONSIGN_USER and CONSIGN_PASSWORD who logs in, CHROMIUM the browser, SHOTS a folder for pictures.
import AxeBuilder from '@axe-core/playwright';
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

export const url = process.env.CONSIGN_URL ?? 'http://127.0.0.1:8470';

const user = process.env.CONSIGN_USER ?? 'ada';
export const password = process.env.CONSIGN_PASSWORD ?? '';

/** Logs in where the page asks for it. */
export async function logIn(page, name, typed = password) {
  // What must be filled in has a star behind its label.
  await page.getByLabel(/^Name( \*)?$/).fill(name);
  await page.getByLabel(/^Password( \*)?$/).fill(typed);
  await page.getByRole('button', { name: 'Log in' }).click();
}

/** Tells a story in a browser in which somebody is logged in, unless it is told `unknown`; `what` is said where it went well. */
export async function tell(what, story, { unknown = false } = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
  });
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints = [];
  page.on('console', (message) => {
    // A refusal that the page shows is no failure of the page.
    const refused = /status of (401|422)/.test(message.text());
    if (['error', 'warning'].includes(message.type()) && !refused) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    const asked = request.url();
    if (!asked.startsWith(url) && !asked.startsWith('data:')) complaints.push(`a request to another host: ${asked}`);
  });
  let shots = 0;
  const shot = async (name) => {
    shots += 1;
    const file = `${String(shots).padStart(2, '0')}-${name}.png`;
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${file}` });
  };
  const looked = async (name) => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
      const rules = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'];
      const { violations } = await new AxeBuilder({ page }).withTags(rules).analyze();
      for (const { id, nodes } of violations) {
        const where = nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).join(' | ');
        complaints.push(`${name}, ${colorScheme}: ${id}: ${where}`);
      }
      await shot(`${name}-${colorScheme}`);
    }
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  };
  try {
    if (!unknown) {
      await page.goto(`${url}/`);
      await logIn(page, user);
      await page.getByRole('button', { name: 'Log out' }).waitFor();
    }
    await story({ page, looked, shot });
    assert.deepEqual(complaints, []);
    console.log(`ui: ${what}`);
  } catch (error) {
    await shot('failed');
    console.error(complaints);
    throw error;
  } finally {
    await browser.close();
  }
}
