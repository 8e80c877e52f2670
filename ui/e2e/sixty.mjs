// A campaign of sixty sub-audiences in the builder: how long who edits waits for the next paint. It is measured by the
// browser and said, not judged: how fast this machine is says nothing of the page.
import assert from 'node:assert/strict';
import { tell, url } from './browser.mjs';

const SUB_AUDIENCES = 60;

/** Notes how long each interaction takes from the event to the next paint. */
const observe = () => {
  globalThis.slowest = new Map();
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (!entry.interactionId) continue;
      const before = globalThis.slowest.get(entry.interactionId) ?? 0;
      globalThis.slowest.set(entry.interactionId, Math.max(before, entry.duration));
    }
  }).observe({ type: 'event', buffered: true, durationThreshold: 16 });
};

await tell('a campaign of sixty sub-audiences went well', async ({ page, shot }) => {
  const api = `${url}/api/v1/campaigns`;
  const made = await (await page.request.post(api, { data: { name: `Sixty ${Date.now()}` } })).json();
  const groups = (at) => [
    { name: `Control ${at}`, control: true, percent: 10 },
    { name: `Treatment ${at}`, percent: 90, destinations: ['staging'] },
  ];
  const where = (at) => ({ column: 'Customer_360.lifetime_value', operator: 'at_least', value: 1000 - 10 * at });
  const sub_audiences = Array.from({ length: SUB_AUDIENCES }, (_, at) => ({
    name: `Level ${at + 1}`, where: where(at), groups: groups(at + 1),
  }));
  const data = { ...made.campaign, include: ['high_value'], sub_audiences };
  const put = await page.request.put(`${api}/${made.id}/draft`, { data, headers: { 'If-Match': `"${made.version}"` } });
  assert.ok(put.ok(), await put.text());

  await page.addInitScript(observe);
  await page.goto(`${url}/campaigns/${made.id}`);
  const cards = page.getByRole('group', { name: /^Sub-audience/ });
  await cards.nth(SUB_AUDIENCES - 1).waitFor();
  await page.getByText(/^[\d,]+ customers$/).first().waitFor();
  const middle = cards.nth(SUB_AUDIENCES / 2);
  await middle.getByLabel('Name of the sub-audience').click();
  await page.keyboard.type(' and more');
  await middle.getByRole('button', { name: 'Add treatment' }).click();
  await middle.getByRole('button', { name: 'Even out' }).click();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByLabel('Name of the campaign').click();
  await page.keyboard.type(' again');
  await page.getByText('Saved as a draft').waitFor();
  const took = await page.evaluate(() => [...globalThis.slowest.values()].sort((one, other) => one - other));
  assert.ok(took.length > 0, 'no interaction was measured');
  const slowest = took.at(-1);
  const median = took[Math.floor(took.length / 2)];
  console.log(`ui: ${took.length} interactions over 16 ms on ${SUB_AUDIENCES} sub-audiences: to the next paint ${median} ms at the median, ${slowest} ms at most`);
  await shot('sixty');
});
