"""A made-up registry in CMS's exact weekly V2 layout: the demo's and the tests' input when no real file is given."""
