"""One vendor per file: endpoints, paging, limits and the meaning of its errors."""
