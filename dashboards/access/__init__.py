"""Who may enter the web app.

Three ways, one of which holds for a server: nobody signs in, on a loopback address only (``rules``); by name and
password (``users``, ``passwords``, ``sessions``, ``attempts``, ``sign_in``); as a trusted reverse proxy says
(``rules``). ``guard`` asks of every request which it is, before anything else looks at it.
"""
