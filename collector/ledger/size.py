"""How much room a ledger's database takes."""

from sqlalchemy import Connection


def size_bytes(connection: Connection) -> int:
    """Return the size of the database: of PostgreSQL all in it, of SQLite the file's pages."""
    if connection.dialect.name == "postgresql":
        query = "SELECT pg_database_size(current_database())"
        return int(connection.exec_driver_sql(query).scalar_one())
    pages, each = (
        int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
        for name in ("page_count", "page_size")
    )
    return pages * each
