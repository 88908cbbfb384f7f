"""The version of this project; CHANGELOG.md says what each version has changed."""

VERSION = "0.1.0"
