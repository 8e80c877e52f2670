// What stands around campaigns: segments, destinations, sources, runs.
import { tell, url } from './browser.mjs';

await tell('segments, destinations, sources and runs went well', async ({ page, looked }) => {
  const navigate = (name) => page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
  const stamp = Date.now();

  // A segment: counted while it is made, saved, changed, removed.
  await page.goto(`${url}/segments`);
  await page.getByRole('row', { name: /High value/ }).getByText('7,260').waitFor();
  await looked('segments');
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  const compared = page.getByRole('dialog');
  for (const segment of ['High value', 'At risk']) {
    await compared.getByRole('combobox', { name: 'Segments' }).fill(segment);
    await page.getByRole('option', { name: segment, exact: true }).click();
  }
  await compared.getByText('Each customer is in one line.').waitFor();
  await compared.getByText('Compare segments').click();
  await looked('overlap');
  await page.keyboard.press('Escape');
  await compared.waitFor({ state: 'hidden' });
  await page.getByRole('link', { name: 'New segment' }).click();
  await page.getByLabel('Name').fill(`Savers ${stamp}`);
  await page.getByRole('button', { name: 'Make the segment' }).click();
  await page.getByText('does not name a column', { exact: false }).waitFor();
  await looked('segment-refused');
  await page.getByRole('combobox', { name: 'Column', exact: true }).fill('lifetime');
  await page.getByRole('option', { name: 'lifetime_value' }).click();
  await page.getByRole('combobox', { name: 'Operator', exact: true }).click();
  await page.getByRole('option', { name: '≥', exact: true }).click();
  await page.getByLabel('Value', { exact: true }).fill('75');
  await page.getByText(/% of all/).waitFor();
  await page.getByRole('button', { name: 'Make the segment' }).click();
  await page.getByText(`Savers ${stamp} is saved.`).waitFor();
  await page.getByRole('heading', { name: `Savers ${stamp}` }).waitFor();
  await page.getByLabel('Value', { exact: true }).fill('100');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('button', { name: 'Save', exact: true, disabled: true }).waitFor();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByRole('dialog').getByText(`Remove Savers ${stamp}?`).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: /^Remove / }).click();
  await page.getByRole('heading', { name: 'Segments' }).waitFor();
  await page.getByRole('row', { name: /High value/ }).waitFor();
  await page.getByText(`Savers ${stamp}`, { exact: true }).waitFor({ state: 'hidden' });

  // A destination: refused at its fields, saved, tested, removed.
  await navigate('Destinations');
  await page.getByRole('link', { name: 'Klaviyo' }).waitFor();
  await looked('destinations');
  await page.getByRole('button', { name: 'Add destination' }).click();
  await page.getByRole('menuitem', { name: 'Local files' }).click();
  await page.getByLabel('Name').fill(`Shelf ${stamp}`);
  await page.getByRole('button', { name: 'Add destination' }).click();
  await page.getByText(/needs “folder”/).waitFor();
  await looked('destination-refused');
  await page.getByLabel('folder').fill('out/shelf');
  await page.getByRole('button', { name: 'Add destination' }).click();
  await page.getByText(`Shelf ${stamp} is saved.`).waitFor();
  await page.getByRole('button', { name: /^Test the connection/ }).click();
  // It is right: nobody has made the folder.
  await page.getByText('It does not work.').waitFor();
  await page.getByText(/does not exist/).waitFor();
  await looked('destination');
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: /^Remove / }).click();
  await page.getByRole('heading', { name: 'Destinations' }).waitFor();

  // Tables, and what is in them.
  await navigate('Sources');
  await page.getByRole('link', { name: 'Customer_360' }).click();
  await page.getByRole('button', { name: 'lifecycle_status' }).click();
  await page.getByRole('table', { name: 'Values' }).getByText('15,220').waitFor();
  await looked('table');

  // A run, from its beginning to its end, and one customer of it.
  const begun = await page.request.post(`${url}/api/v1/campaigns/churn_prevention/run`);
  const { run } = await begun.json();
  await page.goto(`${url}/runs/${run}`);
  await page.getByText('The run is over: succeeded').waitFor({ state: 'attached', timeout: 60_000 });
  await page.getByText('24 of 24 deliveries are over').waitFor();
  await page.getByRole('button', { name: 'Show details of Active early access to klaviyo' }).click();
  await page.getByText('Customers of whom nothing was sent').waitFor();
  await looked('run');
  await page.getByRole('tab', { name: 'Requests' }).click();
  await page.getByRole('table', { name: 'Requests' }).waitFor();
  await looked('requests');
  await page.getByRole('tab', { name: 'Explain a customer' }).click();
  await page.getByLabel('Customer key').fill('00046');
  await page.keyboard.press('Enter');
  await page.getByText('Customer 00046 is in At risk win back.').waitFor();
  await looked('explained');
  await navigate('Activity');
  await page.getByRole('link', { name: 'High-value early churn prevention' }).first().waitFor();
  await looked('activity');
});
