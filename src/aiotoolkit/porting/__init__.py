"""The Flask migration kit: small modules, each of which can be used alone."""
