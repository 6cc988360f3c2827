print("replica-check")
