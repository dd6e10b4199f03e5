"""What the documentation site has besides the pages in docs/: it is made when the site is built."""
