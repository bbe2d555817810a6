"""What the tests share: clocks and the recording of AWS calls."""
