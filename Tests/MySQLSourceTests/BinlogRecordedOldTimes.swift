/// Recorded from MariaDB 10.11 with `mysql56_temporal_format=OFF`, which writes TIME, DATETIME and TIMESTAMP as every
/// server did before MySQL 5.6 and MariaDB 10.1, in rows events of the first version. The last rows but one hold dates
/// that the calendar does not have.
extension RecordedTable {
  static let oldTimes: [RecordedTable] = [
    RecordedTable(
      server: "mariadb", name: "oldtimes",
      columns: ["a|time /* mariadb-5.3 */|", "b|datetime /* mariadb-5.3 */|", "c|timestamp /* 5.5 binary format */|"],
      events: [
        """
        7798016b1301000000340000006603000000001a000000000001000372656300086f6c6474696d657300030b0c07000784fd66a5
        """,
        """
        7798016b17010000007e000000e403000000001a000000000001000307f8a7f57f7787d105f15a0000ffffff7ff8590a8040c377\
        541809000001000000f800000080e9125a0200000000ca9a3bfcffffff40e3a88b68120000f8b7990300000000000000000000\
        0000f8c01dfe5bce6b2e5f12000080436d38ff684d3399
        """,
      ],
      rows: [
        "838:59:59|9999-12-31 23:59:59|2038-01-19 03:14:07", "-838:59:59|1000-01-01 00:00:00|1970-01-01 00:00:01",
        "00:00:00|0001-01-01 12:34:56|2001-09-09 01:46:40", "-00:00:01|2024-02-29 00:00:00|~",
        "23:59:59|0000-00-00 00:00:00|0000-00-00 00:00:00", "-12:34:56|2020-00-10 01:02:03|2000-01-01 00:00:00",
        "~|~|~",
      ])
  ]
}
