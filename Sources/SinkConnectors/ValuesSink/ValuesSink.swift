// ValuesSink
