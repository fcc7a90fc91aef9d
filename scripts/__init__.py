"""What a person runs: the demo, the tests, the benchmarks."""
