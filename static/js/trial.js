// Starts Swagger UI on the page for trying an API. Calls go out without the portal's cookies.
const place = document.querySelector('[data-definition]');
const definition = new URL(place.dataset.definition, location.href).href;

/** The definition is the portal's own and needs the session; everything else must not have it. */
function without_session(request) {
  if (request.url !== definition) request.credentials = 'omit';
  return request;
}

const response = await fetch(definition);
if (response.ok) {
  place.replaceChildren();
  window.SwaggerUIBundle({
    spec: await response.json(),
    domNode: place,
    deepLinking: false,
    docExpansion: 'list',
    filter: true,
    validatorUrl: null,
    withCredentials: false,
    requestInterceptor: without_session,
    presets: [window.SwaggerUIBundle.presets.apis],
    layout: 'BaseLayout',
  });
} else {
  place.textContent = 'The definition could not be read. Reload the page to try again.';
}
