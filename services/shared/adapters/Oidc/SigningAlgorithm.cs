namespace EventAuth.Adapters.Oidc;

/// <summary>Which kind of key belongs to a JWS algorithm; only asymmetric ones exist for us.</summary>
internal static class SigningAlgorithm
{
    /// <summary>Whether a token of this algorithm can be verified at all, whatever the settings allow.</summary>
    public static bool IsSupported(string algorithm) => KeyType(algorithm).Length > 0;

    /// <summary><c>RSA</c>, or the curve of an EC key; empty when not supported.</summary>
    public static string KeyType(string algorithm) => algorithm switch
    {
        "RS256" or "RS384" or "RS512" or "PS256" or "PS384" or "PS512" => "RSA",
        "ES256" => "P-256",
        "ES384" => "P-384",
        "ES512" => "P-521",
        _ => "",
    };
}
