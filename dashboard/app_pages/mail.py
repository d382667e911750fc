"""Mail: the mails that were written to files because no SMTP_URL is set."""

import streamlit as st

from dashboard import frame, mails, resources

frame.title("mail")
st.caption("SMTP_URL is not set, so mails are not sent but written to files, which you read here.")
home = resources.home()
found = mails.newest(home.mail) if home else []
if not found:
    st.info("No mail yet. Subscribe, and the confirmation appears here within seconds.")
    st.stop()
path = st.selectbox("Mail", found, format_func=mails.label)
mail = mails.read(path)
if mail is None:
    st.warning("This file cannot be read as a mail.")
    st.stop()
for name, value in mail.headers.items():
    st.text(f"{name}: {value}")
as_text, as_html = st.tabs(["Text", "HTML"])
with as_text:
    st.code(mail.text or "This mail has no text part.", language=None, wrap_lines=True)
with as_html:
    if mail.html:
        st.iframe(mails.document(mail.html), height=640)
    else:
        st.caption("This mail has no HTML part.")
