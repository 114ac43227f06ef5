"""The pages: server-rendered, Vietnamese and English, nothing fetched from elsewhere."""
