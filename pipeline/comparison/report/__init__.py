"""comparison/report.html: its page, sections and plots."""
