"""HTTP: `app` puts together the routes and what surrounds them."""
