"""SIP as an app reads and writes it: headers, requests, subscriptions, transfers. Knows the engine only:
neither calls nor the server."""
