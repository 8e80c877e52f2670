// The story of a campaign in a browser, against a server with the demo workspace:
//
//   CONSIGN_URL=http://127.0.0.1:8470 npm run e2e
import { tell, url } from './browser.mjs';

await tell('the story of a campaign went well', async ({ page, looked, shot }) => {
  const choose = async (label, option, within = page) => {
    await within.getByLabel(label, { exact: true }).first().click();
    await page.getByRole('option', { name: option, exact: true }).click();
  };

  await page.goto(`${url}/`);
  await page.getByRole('link', { name: 'High-value early churn prevention' }).waitFor();
  await looked('campaigns');

  await page.keyboard.press('/');
  await page.getByPlaceholder('Search pages and campaigns').fill('churn');
  await page.getByRole('button', { name: /High-value early churn prevention delivered/ }).waitFor();
  await looked('search');
  await page.keyboard.press('Enter');

  await page.getByText('6,456 customers').waitFor();
  await looked('builder');
  await page.getByRole('button', { name: 'Edit attributes' }).click();
  await page.getByText(/leaves as a hash|Phone number|E-mail/).first().waitFor();
  await looked('attributes');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Delivery summary' }).click();
  await page.getByRole('table', { name: 'What would be sent' }).waitFor();
  await looked('summary');
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Test', exact: true }).click();
  await page.getByLabel('Records of each list').fill('2');
  await page.getByRole('button', { name: 'Test with them' }).click();
  await page.getByRole('table', { name: 'What would leave' }).waitFor();
  await page.getByRole('button', { name: 'Show request_1.json' }).first().click();
  await page.getByText('profile-bulk-import-job', { exact: false }).nth(1).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download request_1.json' }).first().click(),
  ]);
  if (download.suggestedFilename() !== 'request_1.json') throw new Error(download.suggestedFilename());
  await page.getByRole('table', { name: 'Tests so far' }).waitFor();
  await looked('test');
  await page.keyboard.press('Escape');

  // A campaign of one's own, from nothing to a list.
  const name = `Thank you ${Date.now()}`;
  await page.getByRole('link', { name: 'Campaigns' }).first().click();
  await page.getByRole('button', { name: 'New campaign' }).click();
  await page.getByLabel('Name').fill(name);
  await page.keyboard.press('Enter');
  await page.getByText('The campaign includes no segment', { exact: false }).waitFor();
  await looked('new');
  await choose('Include', 'High value');
  await page.keyboard.press('Escape');
  await page.getByText(/^[\d,]+ customers$/).first().waitFor();

  await page.getByRole('button', { name: 'Add sub-audience' }).click();
  const card = page.getByRole('group', { name: /^Sub-audience/ });
  await card.getByLabel('Name of the sub-audience').fill('Big spenders');
  await card.getByRole('button', { name: 'Edit', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Condition' }).click();
  await dialog.getByLabel('Column', { exact: true }).fill('lifetime');
  await page.getByRole('option', { name: 'lifetime_value' }).click();
  await choose('Operator', '≥', dialog);
  await dialog.getByLabel('Value', { exact: true }).fill('200');
  await dialog.getByText(/It holds for\s+[\d,]+\s+of\s+23,570/).waitFor();
  await looked('condition');
  await dialog.getByRole('button', { name: 'Done' }).click();

  await card.getByLabel(/^Destinations of/).click();
  await page.getByRole('option', { name: 'Staging copy' }).click();
  await page.keyboard.press('Escape');
  await page.getByText('Saved as a draft').waitFor();

  // Undo and redo go through every step, and are saved as well.
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('has a destination', { exact: false }).waitFor();
  await page.getByRole('button', { name: 'Redo' }).click();

  const publish = page.getByRole('button', { name: 'Publish' });
  await page.locator('button[aria-disabled=false]', { hasText: 'Publish' }).waitFor();
  await publish.click();
  await page.getByText('As published').waitFor();
  await page.getByRole('button', { name: 'Run now' }).click();
  await page.getByText('It runs.').waitFor();
  await page.getByRole('link', { name: 'Campaigns' }).first().click();
  await page.getByLabel('Search campaigns').fill(name);
  for (let tries = 0; tries < 40; tries += 1) {
    await page.reload();
    await page.getByLabel('Search campaigns').fill(name);
    await page.getByRole('row', { name: new RegExp(name) }).waitFor();
    if (await page.getByRole('row', { name: new RegExp(name) }).getByText('delivered').count()) break;
  }
  await page.getByRole('row', { name: new RegExp(name) }).getByText('delivered').waitFor();
  await shot('delivered');
});
