// One address of every kind of page, in the example organisation once `payments-api` was created in it.
export const pages = [
  '/', '/create', '/create/actions', '/create/templating-extensions', '/create/edit', '/create/templates/default/rust-service/about',
  '/create/tasks', '/catalog', '/catalog?kind=api', '/catalog?kind=group', '/catalog/problems', '/catalog/locations',
  '/catalog/default/component/payments-api', '/catalog/default/component/payments-api/environments',
  '/catalog/default/component/payments-api/history', '/catalog/default/group/payments', '/catalog/default/user/guest',
  '/catalog/default/system/checkout', '/catalog/default/api/payment-gateway-api', '/organisation', '/settings', '/announcements',
  '/catalog?kind=all&column=kind&column=system', '/catalog/default/component/payments-api/owner', '/repositories',
  '/repositories/acme/payments-api', '/repositories/acme/payments-api/tree/main/src',
  '/repositories/acme/payments-api/blob/main/src/main.rs', '/repositories/acme/payments-api/blob/main/README.md',
  '/repositories/acme/payments-api/commits/main', '/repositories/acme/payments-api/pulls', '/status', '/nowhere', '/search?q=checkout', '/docs', '/docs/default/component/checkout-service/',
  '/catalog-graph?root=component:default/checkout-service', '/catalog/default/component/checkout-service/dependencies',
  '/catalog/default/component/checkout-service/raw', '/catalog/default/api/checkout-api/api', '/catalog/default/api/inventory-grpc/api', '/delivery', '/notifications', '/catalog-import',
  '/catalog/default/component/nobody',
];
