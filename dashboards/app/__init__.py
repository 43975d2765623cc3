"""The web app: what operators and analysts open in a browser."""
