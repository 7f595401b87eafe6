"""The webhook receiver: proves who sent an event, stores it durably, and only then says that it has it.

It reads no meaning from an event: unknown types are stored like known ones, and `clean_events` sorts them
out. See docs/webhooks.md.
"""
