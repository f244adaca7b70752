"""MJML to HTML, safely: checked first, compiled by mjml-python, links rewritten after."""
