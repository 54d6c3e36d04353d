// Holds the payload of a webhook against the description's own schema of it.
import { check, schemaAt } from '../description.mjs';
import { unknownFields } from '../fields.mjs';

const ROOT = '/x-webhooks';
/** Fields that GitHub sends in all events of a kind, while the description has them in some. */
const LAGGING = /\/(user_view_type|display_title)$/;

export function checkPayload(event, payload) {
  const name = [event, payload.action].filter(Boolean).join('-').replaceAll('_', '-');
  const pointer = `${ROOT}/${name}/post/requestBody/content/application~1json/schema`;
  if (!schemaAt(`${ROOT}/${name}`)) return [`there is no webhook ${name}`];
  return [
    ...check(pointer, { value: payload }),
    ...unknownFields([pointer], payload)
      .filter((field) => !LAGGING.test(field))
      .map((field) => `${field} is not documented`),
  ];
}
