"""What `import simulator` offers: simulate and its neighbors, on top of all other packages."""
