"""Watching a registered version: are new rows like its training rows, and is it still as good?"""
