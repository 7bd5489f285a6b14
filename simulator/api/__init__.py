"""Public functions of `import simulator`, on top of all other packages: `simulate` and others."""
