"""PostgreSQL: tables, migrations, loads and queries. Processes and frameworks stay outside."""
