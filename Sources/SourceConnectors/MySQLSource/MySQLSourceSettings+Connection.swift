import Connector

extension MySQLSourceSettings {
  /// How to connect: the plain options, else what the properties for JDBC and Debezium say.
  static func connection(
    _ options: Options, _ foreign: inout ForeignOptions
  ) throws(ConnectorError) -> ConnectionSettings {
    var timeout = try options.milliseconds("connect.timeout")
    if let given = try foreign.jdbcMilliseconds("connectTimeout"), given > 0, !options.given.contains("connect.timeout")
    {
      timeout = max(250, given)
    }
    guard timeout >= 250 else { throw ConnectorError(.configuration, "connect.timeout is below 250 ms: \(timeout) ms") }
    var settings = ConnectionSettings(
      host: try options.text("hostname"), port: UInt32(clamping: try options.integer("port")),
      user: try options.text("username"), password: try options.text("password"))
    settings.connectTimeout = timeout
    settings.connectRetries = try options.integer("connect.max-retries")
    if let silence = try foreign.jdbcMilliseconds("socketTimeout"), silence > 0 { settings.readTimeout = silence }
    settings.allowsKeyRetrieval = try foreign.jdbcFlag("allowPublicKeyRetrieval")
    settings.tls = try tlsMode(options, &foreign)
    settings.tlsVersions = foreign.jdbc("tlsVersions") ?? foreign.jdbc("enabledTLSProtocols")
    try readCertificates(options, &foreign, into: &settings)
    return settings
  }

  private static func tlsMode(
    _ options: Options, _ foreign: inout ForeignOptions
  ) throws(ConnectorError) -> ConnectionSettings.TLSMode {
    let names = [
      ("jdbc.properties.sslMode", foreign.jdbc("sslMode")),
      ("debezium.database.ssl.mode", foreign.debezium("database.ssl.mode")),
    ]
    let usesTLS = try foreign.jdbcFlag("useSSL")
    let requires = try foreign.jdbcFlag("requireSSL")
    let verifies = try foreign.jdbcFlag("verifyServerCertificate")
    if options.given.contains("ssl.mode"), let mode = ConnectionSettings.TLSMode(text: try options.text("ssl.mode")) {
      return mode
    }
    if let (name, text) = names.first(where: { $0.1 != nil }), let text {
      guard let mode = ConnectionSettings.TLSMode(text: text) else {
        throw ConnectorError(
          .configuration, "option \(name) is not known: \(text)",
          remedy: "use disabled, preferred, required, verify_ca or verify_identity")
      }
      return mode
    }
    if usesTLS == false { return .disabled }
    if verifies == true { return .verifyCA }
    return requires == true ? .required : .preferred
  }

  /// Certificates as files of PEM. A Java keystore cannot be read.
  private static func readCertificates(
    _ options: Options, _ foreign: inout ForeignOptions, into settings: inout ConnectionSettings
  ) throws(ConnectorError) {
    settings.tlsAuthority = options["ssl.ca"]
    settings.tlsCertificate = options["ssl.cert"]
    settings.tlsKey = options["ssl.key"]
    let trust = try store(
      &foreign, jdbc: "trustCertificateKeyStore", debezium: "database.ssl.truststore", replaced: settings.tlsAuthority,
      isNeeded: settings.tls.verifies, by: "ssl.ca",
      remedy: "write its certificates into a file with `keytool -exportcert -rfc -keystore STORE -alias NAME`, and "
        + "name that with the option ssl.ca")
    if settings.tlsAuthority == nil { settings.tlsAuthority = trust }
    let client = try store(
      &foreign, jdbc: "clientCertificateKeyStore", debezium: "database.ssl.keystore", replaced: settings.tlsCertificate,
      isNeeded: settings.tls != .disabled, by: "ssl.cert",
      remedy: "turn it into PEM with `keytool -importkeystore -deststoretype PKCS12` and `openssl pkcs12 -nodes`, and "
        + "name the files with the options ssl.cert and ssl.key")
    if settings.tlsCertificate == nil, let client {
      settings.tlsCertificate = client
      settings.tlsKey = client
    }
    if (settings.tlsCertificate == nil) != (settings.tlsKey == nil) {
      throw ConnectorError(
        .configuration, "the options ssl.cert and ssl.key belong together: only one of them is given")
    }
    if settings.tls == .disabled, settings.tlsAuthority != nil || settings.tlsCertificate != nil {
      foreign.warn("ssl.mode is disabled: certificates are not used")
    }
  }

  /// A keystore's file where it is one of PEM; nil when none is given, or when it is not needed.
  private static func store(
    _ foreign: inout ForeignOptions, jdbc: String, debezium: String, replaced: String?, isNeeded: Bool,
    by option: String,
    remedy: String
  ) throws(ConnectorError) -> String? {
    let type = foreign.jdbc(jdbc + "Type")?.lowercased()
    _ = foreign.jdbc(jdbc + "Password")
    _ = foreign.debezium(debezium + ".password")
    guard let url = foreign.jdbc(jdbc + "Url") ?? foreign.debezium(debezium) else { return nil }
    var path = url[...]
    if path.hasPrefix("file:") { path = path.dropFirst(5) }
    while path.hasPrefix("//") { path = path.dropFirst() }
    if type == "pem" || path.hasSuffix(".pem") || path.hasSuffix(".crt") { return String(path) }
    if replaced != nil || !isNeeded {
      foreign.warn("the Java keystore \(path) is not read\(replaced == nil ? "" : ": \(option) is used instead")")
      return nil
    }
    throw ConnectorError(.configuration, "the Java keystore \(path) cannot be read", remedy: remedy)
  }
}

extension ConnectionSettings.TLSMode {
  /// Reads `verify-ca` as MySQL's clients (`VERIFY_CA`) and Debezium (`verify_ca`) write it, too.
  init?(text: String) {
    self.init(rawValue: String(text.lowercased().map { $0 == "_" ? "-" : $0 }))
  }

  /// Whether the server must prove who it is.
  var verifies: Bool { self == .verifyCA || self == .verifyIdentity }
}
