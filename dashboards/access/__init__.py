"""Who may enter the web app.

A server uses one of three ways: no sign-in, on a loopback address only (``rules``); name and password (``users``,
``passwords``, ``sessions``, ``attempts``, ``sign_in``); or the name that a trusted reverse proxy sends (``rules``).
``guard`` checks every request before any other code handles it.
"""
