"""Tests of the embedded runtime as a process: what goes in, what comes out."""
