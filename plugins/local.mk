# Each driver adds its folder here with one line.
