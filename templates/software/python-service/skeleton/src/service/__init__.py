"""The service.

A request goes from `server` (sockets, shutdown) through `http` (routes, middleware, problem documents) to the domain
(`allocation`), which knows nothing of HTTP.
"""
