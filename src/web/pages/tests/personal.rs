//! What somebody set for themselves: stars, visits, theme, tokens.

use axum::http::StatusCode;

use super::portal::Guest;

const SERVICE: &str = "/catalog/default/component/checkout-service";

#[tokio::test]
async fn a_star_is_given_seen_and_taken() {
    let guest = Guest::enter().await;
    assert!(guest.see(SERVICE).await.contains("aria-pressed=\"false\""));
    assert_eq!(guest.led(&format!("{SERVICE}/star"), &[("starred", "yes")]).await, SERVICE);
    assert!(guest.see(SERVICE).await.contains("aria-pressed=\"true\""));
    for page in ["/", "/settings", "/catalog?state=starred"] {
        assert!(guest.see(page).await.contains("Checkout service"), "{page}");
    }
    let kept = guest.open("/api/user-settings/buckets/starredEntities/keys/entityRefs").await;
    assert!(kept.text.contains("[\"component:default/checkout-service\"]"), "{}", kept.text);
    let pairs = [("starred", "no"), ("next", "/settings")];
    assert_eq!(guest.led(&format!("{SERVICE}/star"), &pairs).await, "/settings");
    assert!(guest.see("/settings").await.contains("Press Star"));
    let missing = guest.send("/catalog/default/component/none/star", &[("starred", "yes")]).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(guest.forge(&format!("{SERVICE}/star"), "starred=yes").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn several_are_starred_and_read_again_at_once() {
    let guest = Guest::enter().await;
    let both = [("entity", "component:default/checkout-service"), ("entity", "api:default/orders")];
    for act in ["star", "refresh", "unstar"] {
        let pairs: Vec<_> = both.into_iter().chain([("act", act), ("next", "/catalog?state=starred")]).collect();
        assert_eq!(guest.led("/catalog/bulk", &pairs).await, "/catalog?state=starred", "{act}");
        let html = guest.see("/catalog?state=starred").await;
        assert_eq!(html.contains("Checkout service"), act != "unstar", "{act}");
    }
    for pairs in [&[("act", "star")][..], &[("act", "eat"), ("entity", "a:b/c")], &[("act", "star"), ("entity", "")]] {
        assert_eq!(guest.send("/catalog/bulk", pairs).await.status, StatusCode::BAD_REQUEST, "{pairs:?}");
    }
}

#[tokio::test]
async fn a_theme_stays_in_the_browser() {
    let guest = Guest::enter().await;
    let answer = guest.send("/settings/theme", &[("theme", "dark")]).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/settings"));
    assert!(answer.header("set-cookie").starts_with("theme=dark; HttpOnly; SameSite=Lax; Path=/"));
    let cookies = format!("{}; theme=dark", guest.cookie());
    let page = guest.app.request("GET", "/", &[("cookie", &cookies)], "").await;
    assert!(page.text.contains("<html lang=\"en\" data-theme=\"dark\">"));
    let odd = format!("{}; theme=\"><script>", guest.cookie());
    let page = guest.app.request("GET", "/", &[("cookie", &odd)], "").await;
    assert!(page.text.contains("<html lang=\"en\">"));
    assert_eq!(guest.send("/settings/theme", &[("theme", "pink")]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_token_does_what_its_owner_may_until_it_is_revoked() {
    let guest = Guest::enter().await;
    let made = guest.send("/settings/tokens", &[("name", "my <script>"), ("days", "30")]).await;
    assert_eq!(made.status, StatusCode::OK);
    let start = made.text.find("data-copy=\"grn_").unwrap() + "data-copy=\"".len();
    let token = made.text[start..].split('"').next().unwrap().to_owned();
    let ask = async |path: &str| {
        let header = format!("Bearer {token}");
        guest.app.request("GET", path, &[("authorization", &header)], "").await
    };
    assert_eq!(ask("/api/catalog/entities?limit=1").await.status, StatusCode::OK);
    assert!(ask("/api/auth/v1/userinfo").await.text.contains("user:default/guest"));
    let page = guest.see("/settings").await;
    assert!(!page.contains(&token) && page.contains("my &#60;script&#62;") && page.contains(&token[token.len() - 4..]));
    assert!(!page.contains(">never<"), "the use is noted");
    let start = page.find("name=\"id\" value=\"").unwrap() + "name=\"id\" value=\"".len();
    let id = page[start..].split('"').next().unwrap();
    assert_eq!(guest.led("/settings/tokens/revocation", &[("id", id)]).await, "/settings");
    assert_eq!(ask("/api/catalog/entities?limit=1").await.status, StatusCode::UNAUTHORIZED);

    for (name, days) in [("", "30"), ("x", "0"), ("x", "1000"), (&"y".repeat(101), "30")] {
        let refused = guest.send("/settings/tokens", &[("name", name), ("days", days)]).await;
        assert!(refused.text.contains("token-error") && !refused.text.contains("grn_"), "{name} {days}");
    }
}
