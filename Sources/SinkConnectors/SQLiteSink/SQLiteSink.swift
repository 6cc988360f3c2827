// SQLiteSink
