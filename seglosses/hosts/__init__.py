"""The only rooms that know a framework: each makes losses and metrics at home in one."""
