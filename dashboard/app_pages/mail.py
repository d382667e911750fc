"""Mail: the mails that were written to files because no SMTP_URL is set."""

import streamlit as st

from citywx.mail.folder import list_mails
from dashboard import frame, mails, resources

frame.title("mail")
st.caption("SMTP_URL is not set, so mails are not sent but written to files, which you read here.")
home = resources.home()
found = list_mails(home.mail) if home else []
if not found:
    st.info("No mail yet. Subscribe, and the confirmation appears here within seconds.")
    st.stop()
mail = st.selectbox("Mail", found, format_func=mails.label)
for name, value in (("From", mail.sender), ("To", mail.to), ("Subject", mail.subject)):
    st.text(f"{name}: {value}")
as_text, as_html = st.tabs(["Text", "HTML"])
with as_text:
    st.code(mail.text or "This mail has no text part.", language=None, wrap_lines=True)
with as_html:
    if mail.html:
        st.iframe(mails.document(mail.html), height=640)
    else:
        st.caption("This mail has no HTML part.")
