"""Random schedules: stateful machines over the pure planner and over the handler."""
