"""Simulators of the providers that the local stack sends through: SES v2, SendGrid v3 and Twilio, in one HTTP server.

server.py     routes and sockets          simulation.py  what one running simulator holds
ses.py        SES v2, `ses_rules.py` is what it refuses   sendgrid.py, twilio.py  the other two
mailbox.py    every accepted message      pages.py       the mailbox in a browser
outcomes.py   what happens to a message   events.py      how each provider words it
notify.py     carries events to the product, `signing.py` signs them as the provider would
faults.py     scripted faults of requests control.py     routes of the simulator itself
twilio_inbound.py  people who text back    sms_segments.py  parts of text messages as Twilio counts them
recipients.py people who read the mails: open, click, unsubscribe
"""
