// Go High Level's own client for Node with its defaults (version 2023-02-21); what it was told goes out as JSON.
// Expects: URL of the sandbox's /ghl, TOKEN, LOCATION; webhook: BODY, SIGNATURE, KEY.
const { HighLevel } = require("@gohighlevel/api-client");

const { URL: url, TOKEN: token, LOCATION: locationId, BODY: body, SIGNATURE: signature, KEY: key } = process.env;
HighLevel.BASE_URL = url;
const client = new HighLevel({ privateIntegrationToken: token, logLevel: "error" });

async function main() {
  if (body) {
    const check = (text) => client.webhooks.verifyEd25519Signature(text, signature, key);
    return { verified: check(body), changed: check(`${body} `) };
  }
  const email = "node@judges.example";
  const { contact: made } = await client.contacts.createContact({ locationId, firstName: "Node", email });
  await client.contacts.updateContact(
    { contactId: made.id },
    { lastName: "Judge", dndSettings: { Email: { status: "active" } } },
  );
  const { contact: held } = await client.contacts.getContact({ contactId: made.id });
  const filters = [{ field: "email", operator: "eq", value: email }];
  const { contacts: found } = await client.contacts.searchContactsAdvanced({ locationId, pageLimit: 20, filters });
  const refusal = await client.contacts
    .updateContact({ contactId: made.id }, { dndSettings: { email: { status: "active" } } })
    .catch((error) => error);
  await client.contacts.deleteContact({ contactId: made.id });
  return { made, held, found, refused: refusal.statusCode ?? refusal.status ?? String(refusal) };
}

main().then(
  (told) => process.stdout.write(JSON.stringify(told)),
  (error) => {
    process.stderr.write(`${error.stack}\n${JSON.stringify(error.response ?? null)}\n`);
    process.exitCode = 1;
  },
);
