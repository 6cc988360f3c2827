// BlackholeSink
