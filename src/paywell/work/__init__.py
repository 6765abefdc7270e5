"""Long work: batches, imports, reports. Done in the background, item by item, so that nothing is done twice."""
