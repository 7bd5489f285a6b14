"""Tables, timelines and files of results and traces."""
