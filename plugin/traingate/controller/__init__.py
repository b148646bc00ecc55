"""The controller: start children, interleave their steps, time out, tear down."""
