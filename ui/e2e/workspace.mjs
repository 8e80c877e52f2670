// What holds for the whole workspace: where campaigns are kept, sources, settings.
import assert from 'node:assert/strict';
import { tell, url } from './browser.mjs';

await tell('the archive, sources and settings went well', async ({ page, looked }) => {
  const navigate = (name) => page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
  const named = (role, name) => page.getByRole(role, { name, exact: true });
  const choose = async (label, option) => {
    await named('combobox', label).click();
    await named('option', option).click();
  };
  const press = async (button, said) => {
    await named('button', button).click();
    await page.getByText(said).waitFor();
  };

  // A campaign is found by its label, put away, and brought back.
  await page.goto(`${url}/campaigns/churn_prevention`);
  await page.getByText('6,456 customers').waitFor();
  await named('combobox', 'Folder').fill('Retention');
  await named('combobox', 'Labels').fill('churn');
  await page.keyboard.press('Enter');
  await page.getByText('Again and again').click();
  await page.getByLabel('First on').fill('2099-03-27T02:30');
  await page.getByText('Sat 28 Mar 2099').waitFor();
  await looked('placed');
  await page.getByText('By hand', { exact: true }).click();
  await page.locator('button[aria-disabled=false]', { hasText: 'Publish' }).click();
  await page.getByText('As published').waitFor();
  await navigate('Campaigns');
  await choose('Label', 'churn');
  await named('button', 'Actions of High-value early churn prevention').click();
  await looked('campaign-actions');
  const download = page.waitForEvent('download');
  await named('menuitem', 'Download last recipients').click();
  assert.match((await download).suggestedFilename(), /^churn_prevention-.*-recipients\.csv$/);
  await named('button', 'Actions of High-value early churn prevention').click();
  await named('menuitem', 'Archive').click();
  await page.getByRole('row', { name: /High-value early churn prevention/ }).waitFor({ state: 'hidden' });
  await page.getByRole('switch', { name: 'Also archived' }).check();
  await page.getByRole('row', { name: /churn prevention.*archived/ }).waitFor();
  await named('button', 'Actions of High-value early churn prevention').click();
  await named('menuitem', 'Bring back').click();
  await page.getByRole('row', { name: /churn prevention.*delivered/ }).waitFor();

  // A source is tested before it is connected, and removed.
  await navigate('Sources');
  await page.getByText('69,659').waitFor();
  await looked('sources');
  await named('link', 'Connect a source').click();
  await page.getByLabel('Id').fill('more');
  await page.getByLabel('Folder').fill('data');
  await page.getByLabel('Name of table 1').fill('Bought');
  await choose('Rows of Bought', 'Many a customer');
  await press('Connect', 'It is not saved');
  await page.getByText(/there is no file/).waitFor();
  await looked('source-refused');
  await page.getByLabel('Place of Bought').fill('Orders.parquet');
  await press('Test connection', 'It works.');
  await looked('source-tested');
  await press('Connect', 'more is connected.');
  await named('link', 'Edit more').click();
  await named('button', 'Remove').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove more' }).click();
  await named('heading', 'Sources').waitFor();

  // Settings: refused at their fields, and saved.
  await navigate('Settings');
  await page.getByLabel('Days that staged personal data is kept').fill('3');
  await named('button', 'Add webhook').click();
  await press('Save', 'They are not saved');
  await page.getByText(/address of the webhook is not one/).waitFor();
  await looked('workspace-refused');
  await named('button', 'Remove webhook_1').click();
  await press('Save', 'The settings are saved.');
  await page.reload();
  assert.equal(await page.getByLabel('Days that staged personal data is kept').inputValue(), '3');
  await named('tab', 'Default attributes').click();
  await choose('Destination', 'Klaviyo');
  const attributes = named('table', 'Attributes');
  const first = attributes.getByRole('checkbox', { checked: false }).first();
  const attribute = await first.getAttribute('aria-label');
  await first.check();
  await looked('default-attributes');
  await press('Save', 'The default attributes of Klaviyo are saved.');
  await page.getByText('Set here.').waitFor();
  assert.ok(await attributes.getByLabel(attribute).isChecked());
  await named('button', 'Reset to defaults').click();
  await page.getByText('As they follow from the kind').waitFor();
  assert.ok(!(await attributes.getByLabel(attribute).isChecked()));
  await named('tab', 'Audit log').click();
  await page.getByLabel('What').fill('run');
  await page.getByText('version 1', { exact: true }).waitFor({ state: 'hidden' });
  await looked('audit');
});
