"""Subscribe: an address and cities; the rest happens by mail."""

import streamlit as st

from citywx.subscriptions import ALERT_CHOICES, SubscriptionError, request_subscription
from dashboard import data, frame, resources
from dashboard.resources import database

frame.title("subscribe")
with database() as connection:
    names = [city.name for city in data.cities(connection)]
if not names:
    st.info(frame.NO_READINGS)
    st.stop()

st.markdown(
    "One mail a day with the morning, the evening and the present weather of your cities, and "
    "advice for each; and, if you choose so, a mail when there is an alert. First you get a mail "
    "with a link: nothing more comes until you confirm there."
)
with st.form("subscribe", border=True):
    email = st.text_input("E-mail address", max_chars=254, placeholder="you@example.org")
    cities = st.multiselect("Cities", names, placeholder="Choose one or more")
    alerts_from = st.radio(
        "Alerts by mail", list(ALERT_CHOICES), format_func=ALERT_CHOICES.__getitem__
    )
    sent = st.form_submit_button("Subscribe", type="primary")
if sent:
    with resources.writing() as engine:
        try:
            request_subscription(
                engine,
                resources.settings(),
                email=email,
                cities=cities,
                alerts_from=alerts_from,
                client=st.context.ip_address or "local",
                now=resources.now(),
            )
        except SubscriptionError as error:
            st.warning(str(error))
        else:
            st.success("Look into your mailbox: a mail with a link to confirm is on its way.")
            if frame.mails_are_files():
                st.page_link(
                    "app_pages/mail.py", label="Mails are files here: read it on the page Mail"
                )
st.caption(
    "Stored: your address, your cities, your choice of alerts, and when you confirmed. "
    "Every mail has a link to leave."
)
